import Checkpoints
import SystemPackage

/// A file is refused with a typed error, or every tensor can be read.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let path = unsafe temporaryFile(UnsafeBufferPointer(start: data, count: count))
    guard let file = try? SafeTensors(path) else { return 0 }
    for entry in file.entries { _ = try? file.tensor(entry) }
    return 0
}

func temporaryFile(_ bytes: UnsafeBufferPointer<UInt8>) -> FilePath {
    let path: FilePath = "/dev/shm/graft-fuzz-safetensors"
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = unsafe try file.writeAll(UnsafeRawBufferPointer(bytes)) }
    } catch { fatalError("\(path): \(error)") }
    return path
}
