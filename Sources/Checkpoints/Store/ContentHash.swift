import Crypto

/// What names a file's content on the hub and in its cache: SHA-256 of the content for large files (git LFS), else the
/// SHA-1 that git gives a blob.
///
/// Source: huggingface_hub, "Understand caching"; Git, "Git Objects".
enum ContentHash: Hashable, Sendable {
    case sha256(String)
    case gitBlob(String)

    /// - Parameter digits: 64 or 40 hexadecimal digits, as an `ETag` has them; quotes and `W/` do not count.
    init?(_ digits: String) {
        var digits = digits.hasPrefix("W/") ? digits.dropFirst(2) : digits[...]
        if digits.hasPrefix("\""), digits.hasSuffix("\""), digits.count > 1 { digits = digits.dropFirst().dropLast() }
        guard digits.utf8.allSatisfy({ byte in 0x30...0x39 ~= byte || 0x61...0x66 ~= byte }) else { return nil }
        switch digits.utf8.count {
        case 64: self = .sha256(String(digits))
        case 40: self = .gitBlob(String(digits))
        default: return nil
        }
    }

    var digits: String {
        switch self {
        case .sha256(let digits), .gitBlob(let digits): digits
        }
    }
}

/// Computes the hash of a content that comes in parts.
struct ContentHasher {
    private enum State {
        case sha256(SHA256)
        case gitBlob(Insecure.SHA1)
    }

    private var state: State

    /// - Parameter size: of the whole content, which git puts before it.
    init(_ hash: ContentHash, size: Int) {
        switch hash {
        case .sha256: state = .sha256(SHA256())
        case .gitBlob:
            var sha1 = Insecure.SHA1()
            sha1.update(data: Array("blob \(size)\0".utf8))
            state = .gitBlob(sha1)
        }
    }

    mutating func update(_ bytes: [UInt8]) {
        switch state {
        case .sha256(var hash):
            hash.update(data: bytes)
            state = .sha256(hash)
        case .gitBlob(var hash):
            hash.update(data: bytes)
            state = .gitBlob(hash)
        }
    }

    var digits: String {
        switch state {
        case .sha256(let hash): hexadecimal(hash.finalize())
        case .gitBlob(let hash): hexadecimal(hash.finalize())
        }
    }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
