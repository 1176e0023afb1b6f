import Glibc
import SystemPackage

/// A file in memory with the bytes of one round, for parsers that take a path.
public func scratchFile(_ name: String, _ bytes: some Sequence<UInt8>) -> FilePath {
    let path = FilePath("/dev/shm/graft-fuzz-\(name)")
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch { fatalError("\(path): \(error)") }
    return path
}

/// The same inside a directory with other files: their names and bytes.
public func scratchDirectory(_ name: String, _ files: KeyValuePairs<String, [UInt8]>) -> FilePath {
    let directory = FilePath("/dev/shm/graft-fuzz-\(name)")
    _ = unsafe mkdir(directory.string, 0o700)
    for (file, bytes) in files { _ = scratchFile("\(name)/\(file)", bytes) }
    return directory
}
