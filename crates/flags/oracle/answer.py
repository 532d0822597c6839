"""The same questions as `examples/answer.rs`, answered by flagd's evaluator for Python."""

import json
import logging
import sys

sys.path.insert(0, sys.argv[1])

from openfeature.contrib.tools.flagd.core import FlagdCore  # noqa: E402
from openfeature.evaluation_context import EvaluationContext  # noqa: E402
from openfeature.exception import OpenFeatureError  # noqa: E402

logging.disable(logging.CRITICAL)


def answer(question: dict) -> dict:
    context = dict(question["context"])
    core = FlagdCore()
    try:
        core.set_flags(json.dumps(question["flags"]))
    except Exception:
        return {"reason": "ERROR", "variant": "", "code": "REFUSED"}
    try:
        asked = EvaluationContext(context.pop("targetingKey", None), context)
        details = core.resolve_float_value(question["key"], -1.0, asked)
        return {"reason": str(details.reason.value), "variant": details.variant or "", "code": ""}
    except OpenFeatureError as error:
        return {"reason": "ERROR", "variant": "", "code": error.error_code.value}
    except Exception:
        # Python's evaluator lets errors of its operators through.
        return {"reason": "ERROR", "variant": "", "code": "RAISED"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
