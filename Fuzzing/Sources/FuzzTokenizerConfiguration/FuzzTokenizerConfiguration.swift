import FuzzSupport
import Tokenizers

/// A SentencePiece model of four pieces with the kinds unknown, control, control and normal.
private let model: [UInt8] = [("<unk>", 2), ("<pad>", 3), ("</s>", 3), ("a", 1)].flatMap { text, kind -> [UInt8] in
    let piece = [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15, 0, 0, 0x80, 0xBF, 0x18, UInt8(kind)]
    return [0x0A, UInt8(piece.count)] + piece
}

/// `tokenizer_config.json`, also as `special_tokens_map.json`, beside a vocabulary that is in order, and beside a
/// SentencePiece model of the family that it names.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let vocabulary = Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nh\n##e\n".utf8)
    let directory = scratchDirectory(
        "configuration",
        ["vocab.txt": vocabulary, "tokenizer_config.json": bytes, "special_tokens_map.json": bytes])
    if let tokenizer = try? Tokenizer(directory: directory) { exercise(tokenizer) }
    let family = scratchDirectory("family", ["spiece.model": model, "tokenizer_config.json": bytes])
    if let tokenizer = try? Tokenizer(directory: family) { exercise(tokenizer) }
    return 0
}
