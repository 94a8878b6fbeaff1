"""Hugging Face's side of the built-in tasks' tokenizers: ids and decoded texts of each given text.

  python task_tokenizers.py FOLDER < texts.json > answers.json

FOLDER holds tokenizer.json and tokenizer_config.json. The input is a JSON list of texts. For each
text: Transformers' ids, the ids of the bare `tokenizers` library, and two decodings.
"""
import json
import sys

from tokenizers import Tokenizer
from transformers import AutoTokenizer

folder = sys.argv[1]
auto = AutoTokenizer.from_pretrained(folder)
bare = Tokenizer.from_file(f"{folder}/tokenizer.json")
rows = []
for text in json.load(sys.stdin):
    ids = auto(text)["input_ids"]
    rows.append({
        "ids": ids,
        "bare": bare.encode(text).ids,
        "decoded": auto.decode(ids),
        "without_special": auto.decode(ids, skip_special_tokens=True),
    })
json.dump({"size": len(auto), "eos": auto.eos_token_id, "pad": auto.pad_token_id, "rows": rows}, sys.stdout)
