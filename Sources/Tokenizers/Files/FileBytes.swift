import SystemPackage

/// A whole file in memory.
func readFile(_ path: FilePath) throws(TokenizerError) -> [UInt8] {
    do {
        let file = try FileDescriptor.open(path, .readOnly)
        return try file.closeAfter {
            let size = try file.seek(offset: 0, from: .end)
            _ = try file.seek(offset: 0, from: .start)
            // One byte more, so that a file of the size that was asked for ends in one read.
            var bytes = [UInt8](repeating: 0, count: max(4096, Int(size) + 1))
            var count = 0
            while true {
                if count == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
                let read = try unsafe bytes.withUnsafeMutableBytes { buffer in
                    try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
                }
                if read == 0 { break }
                count += read
            }
            bytes.removeLast(bytes.count - count)
            return bytes
        }
    } catch let error as Errno {
        throw .unreadable(path, error)
    } catch {
        throw .unreadable(path, .ioError)
    }
}

func fileExists(_ path: FilePath) -> Bool {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return false }
    try? file.close()
    return true
}

/// Writes a whole file.
func writeFile(_ bytes: [UInt8], _ path: FilePath) throws(TokenizerError) {
    do {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch let error as Errno {
        throw .unwritable(path, error)
    } catch {
        throw .unwritable(path, .ioError)
    }
}
