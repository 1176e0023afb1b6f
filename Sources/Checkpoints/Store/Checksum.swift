import Crypto
import SystemPackage

extension MappedFile {
    /// The SHA-256 of the file, in hexadecimal digits. Source: FIPS 180-4.
    public var sha256: String {
        let digest = unsafe withUnsafeBytes { bytes in
            var hash = SHA256()
            unsafe hash.update(bufferPointer: bytes)
            return hash.finalize()
        }
        return hexadecimal(digest)
    }
}
