import FuzzSupport
import Tokenizers

private let families = ["XLMRoberta", "Camembert", "Albert", "DebertaV2", "T5"]

/// A SentencePiece model by itself, and by the rules of every family.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    if let tokenizer = try? Tokenizer(file: scratchFile("bare.model", bytes)) { exercise(tokenizer) }
    for family in families {
        let configuration = Array(#"{"tokenizer_class": "\#(family)Tokenizer"}"#.utf8)
        let directory = scratchDirectory(family, ["spiece.model": bytes, "tokenizer_config.json": configuration])
        if let tokenizer = try? Tokenizer(directory: directory) { exercise(tokenizer) }
    }
    return 0
}
