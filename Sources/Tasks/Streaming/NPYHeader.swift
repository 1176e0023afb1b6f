/// The header of a NumPy file with an `[N, size]` array of little-endian float32.
///
/// Source: NumPy's format description, "Format Version 1.0".
public enum NPYHeader {
    /// The header is this long whatever N is, so that it can be written first and corrected at the end.
    public static let byteCount = 128

    public static func bytes(rows: Int, columns: Int) -> [UInt8] {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let length = byteCount - magic.count - 2
        precondition(text.utf8.count < length, "a NumPy header of \(text.utf8.count) bytes")
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: length - text.utf8.count - 1)
        return magic + [UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8) + padding + [UInt8(ascii: "\n")]
    }
}
