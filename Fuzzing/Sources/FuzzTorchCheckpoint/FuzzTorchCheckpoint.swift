import Checkpoints
import FuzzSupport

/// A file is refused with a typed error, or every tensor can be read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("bin", UnsafeBufferPointer(start: data, count: count))
    guard let file = try? TorchCheckpoint(path) else { return 0 }
    for entry in file.entries {
        _ = try? file.tensor(entry)
        _ = try? file.stored(entry).tensor
    }
    return 0
}
