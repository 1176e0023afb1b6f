import CZlib

/// Takes gzip apart, member by member, through zlib.
///
/// Source: RFC 1952, §2.2: members follow one another, and what they hold belongs together.
@safe final class GzipInflater {
    struct Damage: Error {}

    private let state: OpaquePointer
    /// Whether a member has begun and not ended.
    private(set) var isInsideMember = false

    init() {
        guard let state = unsafe czlib_open() else { fatalError("no memory for zlib") }
        unsafe self.state = state
    }

    deinit { unsafe czlib_close(state) }

    /// What the next bytes of a file hold. Zeros behind the last member are padding.
    func inflate(_ input: [UInt8]) throws(Damage) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        // zlib may hold back what there was no room for, also when it has taken all input.
        var isFull = false
        while position < input.count || isFull {
            if !isInsideMember, input[position] == 0 {
                position += 1
                continue
            }
            isInsideMember = true
            var (consumed, produced) = (0, 0)
            let status = unsafe input.withUnsafeBufferPointer { bytes in
                unsafe buffer.withUnsafeMutableBufferPointer { room in
                    let rest = unsafe UnsafeBufferPointer(rebasing: bytes[position...])
                    return unsafe czlib_inflate(
                        state, rest.baseAddress, rest.count, room.baseAddress, room.count, &consumed, &produced)
                }
            }
            if status < 0 || (status == 0 && consumed == 0 && produced == 0 && !isFull) { throw Damage() }
            output += buffer[..<produced]
            position += consumed
            if status == 1 { isInsideMember = false }
            isFull = status == 0 && produced == buffer.count
        }
        return output
    }
}
