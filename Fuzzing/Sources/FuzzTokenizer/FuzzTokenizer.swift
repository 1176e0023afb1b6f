import SystemPackage
import Tokenizers

/// A `tokenizer.json` is refused with a typed error, or it encodes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path: FilePath = "/dev/shm/graft-fuzz-tokenizer.json"
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = unsafe try file.writeAll(UnsafeRawBufferPointer(start: data, count: count)) }
    } catch { fatalError("\(path): \(error)") }
    guard let tokenizer = try? Tokenizer(file: path) else { return 0 }
    for text in ["", "Hello, wörld!", "日本語 \u{0} \u{1F600}"] {
        let encoding = tokenizer.encode(text, pair: "b")
        precondition(encoding.ids.count == encoding.offsets.count, "as many ids as offsets")
        _ = tokenizer.decode(encoding.ids)
    }
    return 0
}
