"""Hugging Face's side of the tokenizers: small ones of the shapes in use, their ids and texts.

  python tokenizers_peer.py fixture FILE.json          # tokenizers and ids for the tests without Python
  python tokenizers_peer.py train FOLDER SIZE < texts.json
  python tokenizers_peer.py ids TOKENIZER.json < texts.json > answers.json
  python tokenizers_peer.py merges SIZE < texts.json > merges.json

`fixture` trains on text made here and writes the tokenizers, hard texts and what Hugging Face's
`tokenizers` makes of them. `train` writes FOLDER/<shape>.json, trained on a JSON list of texts. `ids`
answers with the ids of each text and the texts decoded from them, with and without special tokens.
`merges` trains one with Qwen2's pattern.
"""
import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CJK = r"[一-龥぀-ゟ゠-ヿ]+"
CODER_CJK = r"[一-龥ࠀ-一가-퟿]+"


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
PRE_TOKENIZERS = {
    "qwen2": [split(QWEN), BYTES],
    "llama3": [split(LLAMA3), BYTES],
    "deepseek_v3": [split(r"\p{N}{1,3}"), split(CJK), split(DEEPSEEK), BYTES],
    "deepseek_coder": [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(CODER_CJK),
                       pre_tokenizers.Digits(individual_digits=True), BYTES],
    "gpt2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
}
SPECIAL = {
    "qwen2": (["<|endoftext|>", "<|im_start|>", "<|im_end|>"], ["<think>", "</think>"], False),
    "llama3": (["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"], [], False),
    "deepseek_v3": (["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"], ["<think>", "</think>"], True),
    "deepseek_coder": (["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"], ["<|EOT|>"], True),
    "gpt2": (["<|endoftext|>"], [], False),
}


def byte_level(shape, texts, size):
    tok = Tokenizer(models.BPE())
    if shape == "qwen2":
        tok.normalizer = normalizers.NFC()
    if shape.startswith("deepseek"):
        tok.normalizer = normalizers.Sequence([])
    tok.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[shape])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    special, added, normalized = SPECIAL[shape]
    tok.add_special_tokens([AddedToken(t, special=True, normalized=normalized) for t in special])
    tok.add_tokens([AddedToken(t, special=False, normalized=normalized) for t in added])
    data = json.loads(tok.to_str())
    if shape == "llama3":
        data["model"]["ignore_merges"] = True
        bos = special[0]
        data["post_processor"] = {"type": "Sequence", "processors": [
            {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
            begin(bos, tok.token_to_id(bos))]}
    return data


def begin(token, id):
    item = {"SpecialToken": {"id": token, "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [item, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [item, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}}}


def sentencepiece(shape, texts, size):
    """The shape of tokenizers converted from SentencePiece: marks for spaces, bytes as a last resort."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tok.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, show_progress=False, limit_alphabet=120))
    data = json.loads(tok.to_str())
    words = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    data["model"].update(
        vocab={t: i for i, t in enumerate(first + words)}, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    data["added_tokens"] = [
        {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True} for i, t in enumerate(first[:3])]
    fallback = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    data["decoder"] = {"type": "Sequence", "decoders": fallback}
    data["post_processor"] = begin("<s>", 1)
    if shape == "llama2":
        data["pre_tokenizer"] = None
        data["normalizer"] = {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    else:
        data["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
        data["decoder"] = data["pre_tokenizer"]
    return data


SHAPES = {**{shape: byte_level for shape in PRE_TOKENIZERS}, "llama2": sentencepiece, "metaspace": sentencepiece}


def made_text():
    """Text of no one else's: made-up words, numbers and code, and lines in several scripts."""
    rng = random.Random(7)
    syllables = ["ka", "to", "mi", "re", "sol", "an", "the", "ing", "er", "con", "pro", "ta", "lu", "es"]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(60)]
    lines = []
    for _ in range(400):
        kind = rng.randrange(4)
        line = " ".join(rng.choices(words, k=rng.randint(3, 12)))
        if kind == 0:
            line = line.capitalize() + "."
        elif kind == 1:
            line = f"{line}: {rng.randint(0, 99999)} + {rng.random():.3f} = ${rng.randint(1, 500)}"
        elif kind == 2:
            line = f"    def {words[0]}_{rng.choice(words)}(x, y):\n        return x * {rng.randint(1, 9)} - y"
        lines.append(line)
    lines += [
        "Wir haben große Äpfel und süße Öle.", "L'été, c'était déjà fini ; où es-tu ?", "El niño comió piñas.",
        "Мама мыла раму, а папа читал книгу.", "数学题的答案是四十二。", "これは日本語の文章です。", "한국어 문장도 있습니다.",
        "هذا نص عربي قصير.", "นี่คือข้อความภาษาไทย", "यह हिन्दी का वाक्य है", "\\frac{a}{b} = \\sqrt{2} \\cdot x^{10}",
    ] * 6
    return lines


def hard_texts():
    base = [
        "", " ", "  ", "a", " a", "a ", "  a  b   c    ", "\t\ttabs\tand \t spaces \t", "line\r\nline\r\n\r\nline\n\n\n",
        "\n", "\r", "\r\n", " \n ", "x\n  \n y", "nul\0in\0side", "a\u2028b\u2029c", "a\u0085b\u00a0c\u3000d\u2003e",
        "\ufeffbom and\ufeff inside", "soft\u00adhyphen", "it's we'll they've I'm he'd you're don't",
        "IT'S WE'LL THEY'VE I'M HE'D YOU'RE DON'T", "it's ‘quoted’ “text” …", "it'\u017f K\u212a \u017fs",
        "😀", "😀😃 😄", "👨‍👩‍👧‍👦 family", "🏳️‍🌈🇩🇪🇫🇷", "👍🏽👍🏿", "e\u0301 \u00e9 o\u0308 \u00f6 n\u0303", "Z͑ͫ̓ͪ̂ͫ̽a̴l̵g̷o̸",
        "ﬁ ﬂ ½ ² ³ ① Ⅷ ㎏", "１２３４ ٣٤٥ १२३ 𝟘𝟙𝟚", "0 12 345 6789 1234567890 3.14159 1e-5 1,000,000",
        "数学题的答案是42。你好，世界！", "これは「テスト」です。カタカナ", "한국어 문장 123개", "ภาษาไทยไม่มีช่องว่าง", "العربية ١٢٣ نص",
        "हिन्दी में", "עברית", "Ελληνικά ΑΣ ας", "Ünïcödé", "İstanbul ıI", "straße STRASSE",
        "𝒜𝓁𝑔𝑒𝒷𝓇𝒶 𠀀𠀁𪜀", "\U000e0041\U000f0000\uffff\ufffd", "a\u200bb\u200cc\u200dd\u2060e",
        "<|endoftext|>", "a<|im_start|>user\nhi<|im_end|>\n", "<|im_end|><|im_end|>", " <|endoftext|> x",
        "<think>\nhm\n</think>\n\n42", "<think", "<|im_", "<s>a</s> <s>", "<unk>x", "<|begin_of_text|>hi<|eot_id|>",
        "<｜begin▁of▁sentence｜>q<｜end▁of▁sentence｜>", "▁▁ marks ▁x", "<0x41><0xE2>",
        "$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$", "f(x)=\\begin{cases}1&x>0\\\\0\\end{cases}", "{\"a\": [1, 2.50, null]}\n",
        "def f(x):\n\treturn x**2  # square\n", "if (a && b) { c->d += 1; }", "https://a.example/p?q=1&r=%20#frag",
        "!!!???...---===+++", "((((()))))", "a_b-c.d/e\\f|g~h`i", "@#$%^&*", "\u0000\u0001\u0002\u007f\u0080\u00ff",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ab" * 60, "\u00e9" * 40,
        " " * 50 + "x" + " " * 50, "\n" * 30, "=" * 60, "1" * 60, "katomi" * 20, "的" * 30, "😀" * 20,
    ]
    rng = random.Random(11)
    alphabet = ["a", "Z", " ", "  ", "\n", "\r\n", "\t", "1", "23", "'", "'s", "\u00e9", "e\u0301", "的", "😀", ".", ",",
                "$", "<think>", "<|im_end|>", "\u00a0", "\u200d", "ß", "ก", "ا", "-", "_", "the", " ing", "\\frac"]
    return base + ["".join(rng.choices(alphabet, k=rng.randint(2, 24))) for _ in range(60)]


def answers(tok, texts):
    encoded = [tok.encode(text, add_special_tokens=False).ids for text in texts]
    return {"rows": [{"ids": ids, "text": tok.decode(ids, skip_special_tokens=False),
                      "plain": tok.decode(ids, skip_special_tokens=True)} for ids in encoded]}


def pieces(parts):
    """A tokenizer whose tokens are the very pieces that texts are split into."""
    texts = ["a b  c\n\nd", "x\u0085y \u0085", "\ufeffbom \ufeffx", "n\u00a0b\u3000c", "12 345 ½²Ⅷ１２٣٤ x9", "it's IT'S 'll",
             "数字漢字かなカナ 42", "한국어 é e\u0301 😀👍🏽", "f(x)=x**2;\r\n\ty", "a_b-c ... !?", "\u2028l\u2029", " lead trail ", "a\u200db 👨\u200d👩 x\u200c", "हिन्दी ภาษาไทย ١٢"]
    pre = pre_tokenizers.Sequence(parts)
    found = sorted({piece for text in texts for piece, _ in pre.pre_tokenize_str(text)})
    tok = Tokenizer(models.WordLevel({t: i for i, t in enumerate(["<unk>", *found])}, unk_token="<unk>"))
    tok.pre_tokenizer = pre
    ids = [tok.encode(text).ids for text in texts]
    assert not any(0 in row for row in ids)
    return {"json": json.loads(tok.to_str()), "texts": texts, "ids": ids}


def main():
    command, *args = sys.argv[1:]
    if command == "ids":
        json.dump(answers(Tokenizer.from_file(args[0]), json.load(sys.stdin)), sys.stdout)
    elif command == "merges":
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS["qwen2"])
        tok.train_from_iterator(json.load(sys.stdin), trainers.BpeTrainer(
            vocab_size=int(args[0]), min_frequency=2, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        json.dump(json.loads(tok.to_str())["model"]["merges"], sys.stdout)
    elif command == "train":
        texts = json.load(sys.stdin)
        for shape, make in SHAPES.items():
            with open(f"{args[0]}/{shape}.json", "w") as f:
                json.dump(make(shape, texts, int(args[1])), f)
    else:
        lines, texts = made_text(), hard_texts()
        out = {"generator": "tests/parity/tokenizers_peer.py", "texts": texts, "tokenizers": {}}
        for shape, make in SHAPES.items():
            data = make(shape, lines, 380)
            rows = answers(Tokenizer.from_str(json.dumps(data)), texts)["rows"]
            rows = [{"ids": r["ids"],
                     **({"text": r["text"]} if r["text"] != t else {}),
                     **({"plain": r["plain"]} if r["plain"] != r["text"] else {})} for r, t in zip(rows, texts)]
            tok, rng = Tokenizer.from_str(json.dumps(data)), random.Random(5)
            decoded = [[rng.randrange(tok.get_vocab_size()) for _ in range(rng.randint(1, 7))] for _ in range(60)]
            out["tokenizers"][shape] = {
                "json": data, "rows": rows,
                "decoded": [{"ids": ids, "text": tok.decode(ids, skip_special_tokens=False)} for ids in decoded]}
        extra = [[pre_tokenizers.Whitespace()], [pre_tokenizers.WhitespaceSplit()],
                 [pre_tokenizers.Digits(individual_digits=False)], [pre_tokenizers.Digits(individual_digits=True)]]
        out["pieces"] = [pieces(parts) for parts in [*PRE_TOKENIZERS.values(), *extra]]
        with open(args[0], "w") as f:
            json.dump(out, f, ensure_ascii=True, separators=(",", ":"))


main()
