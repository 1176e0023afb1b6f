import Embeddings
import FuzzSupport

/// A file is refused with a typed error, or all of its vectors can be read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("x.npy", UnsafeBufferPointer(start: data, count: count))
    guard let file = try? NPYFile(path) else { return 0 }
    _ = try? file.vectors(0..<file.rows)
    return 0
}
