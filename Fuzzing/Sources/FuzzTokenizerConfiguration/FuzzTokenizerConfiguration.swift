import FuzzSupport
import Tokenizers

/// `tokenizer_config.json`, also as `special_tokens_map.json`, beside a vocabulary that is in order.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let vocabulary = Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nh\n##e\n".utf8)
    let directory = scratchDirectory(
        "configuration",
        ["vocab.txt": vocabulary, "tokenizer_config.json": bytes, "special_tokens_map.json": bytes])
    if let tokenizer = try? Tokenizer(directory: directory) { exercise(tokenizer) }
    return 0
}
