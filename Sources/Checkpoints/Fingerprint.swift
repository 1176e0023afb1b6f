import Crypto

/// The SHA-256 of values that come one after the other. Source: FIPS 180-4.
package struct Fingerprint {
    private var hash = SHA256()

    package init() {}

    /// Adds the values as they are in memory.
    package mutating func add(_ values: [some BitwiseCopyable]) {
        unsafe values.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    }

    /// Adds a text and where it ends.
    package mutating func add(_ text: String) { add(Array(text.utf8) + [0]) }

    package var bytes: [UInt8] { Array(hash.finalize()) }

    /// In hexadecimal digits.
    package var digits: String { hexadecimal(hash.finalize()) }
}
