/// What a serialized SentencePiece model says of itself.
///
/// Source: SentencePiece, `sentencepiece_model.proto`; Protocol Buffers encoding.
struct SentencePieceProto: Sendable {
    enum Kind: Int, Sendable { case normal = 1, unknown, control, userDefined, unused, byte }
    struct Problem: Error { let reason: String }

    struct Piece: Sendable {
        var text: [UInt8] = []
        var score: Float = 0
        var kind = Kind.normal
    }

    private(set) var pieces: [Piece] = []
    private(set) var charsmap: [UInt8] = []
    /// The map that the library runs over what it has decoded.
    private(set) var decodingCharsmap: [UInt8] = []
    /// 1 for Unigram, 2 for BPE, 3 for words, 4 for characters.
    private(set) var modelType = 1
    private(set) var fallsBackToBytes = false
    /// Whether a blank is set in front of a text.
    private(set) var addsDummyPrefix = true

    init(_ bytes: [UInt8]) throws(Problem) {
        let span = bytes.span
        var message = Message(0..<bytes.count)
        while let field = try message.next(span) {
            switch (field.number, field.value) {
            case (1, .bytes(let range)): pieces.append(try Self.piece(span, range))
            case (2, .bytes(let range)):
                var trainer = Message(range)
                while let field = try trainer.next(span) {
                    switch (field.number, field.value) {
                    case (3, .integer(let value)): modelType = Self.enumeration(value)
                    case (35, .integer(let value)): fallsBackToBytes = value != 0
                    default: break
                    }
                }
            case (3, .bytes(let range)):
                var normalizer = Message(range)
                while let field = try normalizer.next(span) {
                    switch (field.number, field.value) {
                    case (2, .bytes(let range)): charsmap = Array(bytes[range])
                    case (3, .integer(let value)): addsDummyPrefix = value != 0
                    default: break
                    }
                }
            case (5, .bytes(let range)):
                var denormalizer = Message(range)
                while let field = try denormalizer.next(span) {
                    if case (2, .bytes(let range)) = (field.number, field.value) {
                        decodingCharsmap = Array(bytes[range])
                    }
                }
            default: break
            }
        }
        if pieces.isEmpty { throw Problem(reason: "no pieces") }
        if pieces.count > 1 << 24 { throw Problem(reason: "too many pieces") }
    }

    private static func piece(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(Problem) -> Piece {
        var piece = Piece()
        var message = Message(range)
        while let field = try message.next(bytes) {
            switch (field.number, field.value) {
            case (1, .bytes(let text)): piece.text = text.map { bytes[$0] }
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let value)): piece.kind = Kind(rawValue: Self.enumeration(value)) ?? .normal
            default: break
            }
        }
        return piece
    }

    /// An enumeration's value is 32 bits of what is written.
    private static func enumeration(_ value: UInt64) -> Int { Int(Int32(truncatingIfNeeded: value)) }

    /// Fields of a message, one after another, as places in the file.
    private struct Message {
        enum Value {
            case integer(UInt64)
            case fixed32(UInt32)
            case fixed64
            case bytes(Range<Int>)
        }

        private var position: Int
        private let end: Int

        init(_ range: Range<Int>) { (position, end) = (range.lowerBound, range.upperBound) }

        private mutating func varint(_ bytes: Span<UInt8>) throws(Problem) -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while shift < 64 {
                guard position < end else { throw Problem(reason: "the file ends too early") }
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw Problem(reason: "an integer is too long")
        }

        mutating func next(_ bytes: Span<UInt8>) throws(Problem) -> (number: Int, value: Value)? {
            if position == end { return nil }
            let tag = try varint(bytes)
            let number = Int(truncatingIfNeeded: tag >> 3 & 0x1FFF_FFFF)
            switch tag & 7 {
            case 0: return (number, .integer(try varint(bytes)))
            case 1:
                guard end - position >= 8 else { throw Problem(reason: "the file ends too early") }
                position += 8
                return (number, .fixed64)
            case 2:
                let length = try varint(bytes)
                guard length <= UInt64(end - position) else {
                    throw Problem(reason: "the file ends too early")
                }
                let start = position
                position += Int(length)
                return (number, .bytes(start..<position))
            case 5:
                guard end - position >= 4 else { throw Problem(reason: "the file ends too early") }
                var bits: UInt32 = 0
                for i in 0..<4 { bits |= UInt32(bytes[position + i]) << (8 * UInt32(i)) }
                position += 4
                return (number, .fixed32(bits))
            default: throw Problem(reason: "unknown wire type \(tag & 7)")
            }
        }
    }
}
