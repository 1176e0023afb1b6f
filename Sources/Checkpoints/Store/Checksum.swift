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

func hexadecimal(_ digest: SHA256Digest) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
