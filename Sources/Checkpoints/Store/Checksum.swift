import Crypto
import SystemPackage

extension MappedFile {
    /// The SHA-256 of the file, in hexadecimal digits. Source: FIPS 180-4.
    public var sha256: String { sha256(0..<count) }

    /// The SHA-256 of a part of the file.
    package func sha256(_ range: Range<Int>) -> String {
        let digest = unsafe withUnsafeBytes { bytes in
            var hash = SHA256()
            unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[range]))
            return hash.finalize()
        }
        return hexadecimal(digest)
    }

    /// The CRC-32C of the file: no protection against intent, but one pass at the speed of memory, of which little is
    /// taken at a time. Source: RFC 3720, appendix B.4.
    package var crc32c: UInt32 {
        let step = 4 << 20
        return stride(from: 0, to: count, by: step).reduce(0) { checksum, start in
            let part = start..<min(count, start + step)
            defer { release(part) }
            return unsafe withUnsafeBytes { bytes in
                unsafe CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[part]), after: checksum)
            }
        }
    }
}
