"""Prints, as JSON, the logits [B][T][V] that Transformers computes with a model folder, for the tests of saved models.

    pip install torch transformers safetensors
    python tests/parity/logits_peer.py FOLDER '[[1, 2, 3], [4, 5, 6]]'
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

torch.set_num_threads(1)
model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, output_loading_info=True)
bad = {key: sorted(map(str, value)) for key, value in info.items() if value}
if bad:
    sys.exit(f"Transformers' report on loading: {bad}")
with torch.no_grad():
    print(json.dumps(model.eval()(input_ids=torch.tensor(json.loads(sys.argv[2])), use_cache=False).logits.tolist()))
