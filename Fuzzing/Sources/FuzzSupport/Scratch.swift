import Glibc
import SystemPackage

/// A path of this process alone: several may run at once.
private func scratchPath(_ name: String) -> FilePath { FilePath("/dev/shm/graft-fuzz-\(getpid())-\(name)") }

/// A file in memory with the bytes of one round, for parsers that take a path.
public func scratchFile(_ name: String, _ bytes: some Sequence<UInt8>) -> FilePath {
    let path = scratchPath(name)
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch { fatalError("\(path): \(error)") }
    return path
}

/// The same inside a directory with other files: their names and bytes.
public func scratchDirectory(_ name: String, _ files: KeyValuePairs<String, [UInt8]>) -> FilePath {
    let directory = scratchPath(name)
    _ = unsafe mkdir(directory.string, 0o700)
    for (file, bytes) in files { _ = scratchFile("\(name)/\(file)", bytes) }
    return directory
}
