import FuzzSupport
import Tokenizers

/// `vocab.json`, a zero byte, and `merges.txt`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let end = bytes.firstIndex(of: 0) ?? bytes.count
    let directory = scratchDirectory(
        "merges", ["vocab.json": Array(bytes[..<end]), "merges.txt": Array(bytes[end...].dropFirst())])
    if let tokenizer = try? Tokenizer(directory: directory) { exercise(tokenizer) }
    return 0
}
