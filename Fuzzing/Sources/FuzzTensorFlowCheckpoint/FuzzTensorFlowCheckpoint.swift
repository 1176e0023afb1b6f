import Checkpoints
import FuzzSupport
import SystemPackage

/// An index is refused with a typed error, or every tensor can be read. The index is the variables' file, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
    let directory = scratchDirectory("tf", ["m.index": bytes, "m.data-00000-of-00001": bytes])
    guard let file = try? TensorFlowCheckpoint(directory.appending("m.index")) else { return 0 }
    for entry in file.entries {
        _ = try? file.tensor(entry)
        _ = try? file.stored(entry).tensor
    }
    return 0
}
