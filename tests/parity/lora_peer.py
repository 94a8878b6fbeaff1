"""Prints, as JSON, the logits [B][T][V] that PEFT computes with a folder of adapters, for the tests of saved adapters.

    pip install torch transformers peft safetensors
    python tests/parity/lora_peer.py FOLDER '[[1, 2, 3], [4, 5, 6]]'

Exits with code 3 where PEFT is not installed.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

try:
    import peft
except ImportError:
    sys.exit(3)

import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

torch.set_num_threads(1)
config = peft.PeftConfig.from_pretrained(sys.argv[1])
base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path, dtype=torch.float32)
model = peft.PeftModel.from_pretrained(base, sys.argv[1])
# A tensor that the file lacks, or that no layer took.
result = model.load_adapter(sys.argv[1], adapter_name="again")
bad = [key for key in result.missing_keys if ".again." in key] + list(result.unexpected_keys)
if bad:
    sys.exit(f"PEFT's report on loading: {bad}")
with torch.no_grad():
    print(json.dumps(model.eval()(input_ids=torch.tensor(json.loads(sys.argv[2])), use_cache=False).logits.tolist()))
