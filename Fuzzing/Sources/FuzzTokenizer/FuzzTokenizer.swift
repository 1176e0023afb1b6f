import FuzzSupport
import Tokenizers

/// A `tokenizer.json` is refused with a typed error, or it encodes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("tokenizer.json", UnsafeBufferPointer(start: data, count: count))
    if let tokenizer = try? Tokenizer(file: path) { exercise(tokenizer) }
    return 0
}
