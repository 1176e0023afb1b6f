import Checkpoints
import FuzzSupport

/// A file is refused with a typed error, or every tensor can be read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe scratchFile("safetensors", UnsafeBufferPointer(start: data, count: count))
    guard let file = try? SafeTensors(path) else { return 0 }
    for entry in file.entries { _ = try? file.tensor(entry) }
    return 0
}
