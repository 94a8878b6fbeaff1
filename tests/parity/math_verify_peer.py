"""Math-Verify's verdicts (math-verify 0.9.0) over pairs of answers.

  python math_verify_peer.py      stdin: JSON list of [gold, prediction], both LaTeX; stdout: JSON list of booleans

Library defaults: verify(parse(gold), parse(prediction)).
"""
import json
import logging
import sys

from math_verify import parse, verify

logging.disable(logging.CRITICAL)
print(json.dumps([bool(verify(parse(gold), parse(said))) for gold, said in json.load(sys.stdin)]))
