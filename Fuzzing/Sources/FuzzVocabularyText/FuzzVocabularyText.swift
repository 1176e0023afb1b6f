import FuzzSupport
import Tokenizers

/// A `vocab.txt` is refused with a typed error, or it encodes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("vocab.txt", UnsafeBufferPointer(start: data, count: count))
    if let tokenizer = try? Tokenizer(file: path) { exercise(tokenizer) }
    return 0
}
