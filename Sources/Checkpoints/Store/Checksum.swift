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
}
