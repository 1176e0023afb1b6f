import Tokenizers

private let texts = [
    "", "Hello, wörld! 37.5%", "日本語 \u{0} \u{1F469}\u{200D}\u{1F4BB} ｶﾞ e\u{301}\u{2581}", "<s>[UNK] <mask> a  b\r\n",
    String(repeating: "ab\u{E9}", count: 300),
]

/// What must hold for every tokenizer that could be read, whatever its file says.
public func exercise(_ tokenizer: Tokenizer) {
    for text in texts {
        let encoding = tokenizer.encode(text, pair: "b")
        precondition(encoding.ids.count == encoding.offsets.count, "as many ids as offsets")
        precondition(encoding.tokens.count == encoding.ids.count, "as many tokens as ids")
        let single = tokenizer.encode(text)
        precondition(tokenizer.ids(text) == single.ids, "ids alone are the same ids")
        let length = text.unicodeScalars.count
        for offset in single.offsets { precondition(offset.upperBound <= length, "an offset inside the text") }
        _ = tokenizer.encode(text, truncation: Truncation(maxLength: 6, stride: 2))
        _ = tokenizer.decode(single.ids)
    }
}
