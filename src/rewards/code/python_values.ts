/** Python's side of the values in `values.ts`. */

/**
 * `encode(value, other)` gives a value's JSON; `other(value)` gives that of what is no data, or None, and is asked
 * first about the types `foreign`. `decode(json, other)` gives the value back; `other(json)` gives a list with that of a
 * tag which is no data's. Encoding reads the data of a subclass, never its methods.
 */
export const pythonValues = String.raw`
import builtins as _builtins, collections.abc as _abc, itertools as _itertools, json as _json, numbers as _numbers

_DEPTH, _NODES, _ITEMS = 100, 2_000_000, 1_000

class Untold(Exception):
    """A value too deep or too large to be told."""

def encode(value, other, foreign=()):
    left = _NODES
    def items(iterable, depth):
        return [walk(item, depth) for item in iterable]
    def pairs(value, depth):
        return [[walk(k, depth), walk(v, depth)] for k, v in dict.items(value)]
    def walk(value, depth):
        nonlocal left
        left -= 1
        if depth > _DEPTH or left < 0:
            raise Untold()
        if value is None or value is True or value is False:
            return value
        depth += 1
        if type(value) in foreign:
            return other(value)
        if isinstance(value, int):
            value = int.__add__(value, 0)
            return value if abs(value) < 2**53 else {"i": hex(value)}
        if isinstance(value, float):
            return {"f": float.__repr__(value)}
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, list):
            return items(list.__iter__(value), depth)
        if isinstance(value, tuple):
            return {"t": items(tuple.__iter__(value), depth)}
        if isinstance(value, dict):
            return {"d": pairs(value, depth)}
        if isinstance(value, set):
            return {"s": sorted(items(set.__iter__(value), depth), key=_json.dumps)}
        if isinstance(value, frozenset):
            return {"z": sorted(items(frozenset.__iter__(value), depth), key=_json.dumps)}
        if isinstance(value, bytes):
            return {"b": bytes.hex(value)}
        if isinstance(value, bytearray):
            return {"a": bytearray.hex(value)}
        if isinstance(value, complex):
            return {"c": [float.__repr__(value.real), float.__repr__(value.imag)]}
        # Most programs never load these modules, which takes as long as the rest.
        kind = type(value).__module__, type(value).__name__
        if kind == ("fractions", "Fraction"):
            return {"q": [hex(value.numerator), hex(value.denominator)]}
        if kind == ("decimal", "Decimal"):
            return {"m": str(value)}
        if isinstance(value, type) and getattr(_builtins, value.__name__, None) is value:
            return {"y": value.__name__}
        told = other(value)
        if told is not None:
            return told
        if isinstance(value, _numbers.Integral):
            return walk(int(value), depth)
        if isinstance(value, _numbers.Real):
            return walk(float(value), depth)
        raise Untold()
    return walk(value, 0)

def decode(told, other):
    def walk(told):
        if isinstance(told, list):
            return [walk(item) for item in told][:]  # the copy has no room to grow, as a literal has none
        if not isinstance(told, dict):
            return told
        found = other(told)
        if found is not None:
            return found[0]
        (tag, value), *_ = told.items()
        if tag == "i":
            return int(value, 16)
        if tag == "f":
            return float(value)
        if tag == "t":
            return tuple(walk(item) for item in value)
        if tag == "s":
            return set(walk(item) for item in value)
        if tag == "z":
            return frozenset(walk(item) for item in value)
        if tag == "d":
            return {walk(k): walk(v) for k, v in value}
        if tag == "b":
            return bytes.fromhex(value)
        if tag == "a":
            return bytearray.fromhex(value)
        if tag == "c":
            return complex(float(value[0]), float(value[1]))
        if tag == "q":
            from fractions import Fraction
            return Fraction(int(value[0], 16), int(value[1], 16))
        if tag == "m":
            from decimal import Decimal
            return Decimal(value)
        if tag == "y":
            found = getattr(_builtins, value)
            if isinstance(found, type):
                return found
        raise ValueError("a value of an unknown kind")
    return walk(told)
`;
