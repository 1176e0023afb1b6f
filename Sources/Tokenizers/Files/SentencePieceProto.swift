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
    /// 1 for Unigram, 2 for BPE, 3 for words, 4 for characters.
    private(set) var modelType = 1
    private(set) var fallsBackToBytes = false
    private(set) var unknownID = 0
    private(set) var addsDummyPrefix = true

    init(_ bytes: [UInt8]) throws(Problem) {
        var message = Message(bytes[...])
        while let field = try message.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): pieces.append(try Self.piece(bytes))
            case (2, .bytes(let bytes)):
                var trainer = Message(bytes)
                while let field = try trainer.next() {
                    switch (field.number, field.value) {
                    case (3, .integer(let value)): modelType = Int(truncatingIfNeeded: value)
                    case (35, .integer(let value)): fallsBackToBytes = value != 0
                    case (40, .integer(let value)): unknownID = Int(truncatingIfNeeded: value)
                    default: break
                    }
                }
            case (3, .bytes(let bytes)):
                var normalizer = Message(bytes)
                while let field = try normalizer.next() {
                    switch (field.number, field.value) {
                    case (2, .bytes(let bytes)): charsmap = Array(bytes)
                    case (3, .integer(let value)): addsDummyPrefix = value != 0
                    default: break
                    }
                }
            default: break
            }
        }
        if pieces.isEmpty { throw Problem(reason: "no pieces") }
        if pieces.count > 1 << 24 { throw Problem(reason: "too many pieces") }
    }

    private static func piece(_ bytes: ArraySlice<UInt8>) throws(Problem) -> Piece {
        var piece = Piece()
        var message = Message(bytes)
        while let field = try message.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let text)): piece.text = Array(text)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let value)): piece.kind = Kind(rawValue: Int(truncatingIfNeeded: value)) ?? .normal
            default: break
            }
        }
        return piece
    }

    /// Fields of a message, one after another.
    private struct Message {
        enum Value {
            case integer(UInt64)
            case fixed32(UInt32)
            case fixed64
            case bytes(ArraySlice<UInt8>)
        }

        private let bytes: ArraySlice<UInt8>
        private var position: Int

        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        private mutating func varint() throws(Problem) -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard position < bytes.endIndex else { throw Problem(reason: "the file ends too early") }
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Problem(reason: "an integer is too long")
        }

        mutating func next() throws(Problem) -> (number: Int, value: Value)? {
            if position == bytes.endIndex { return nil }
            let tag = try varint()
            let number = Int(truncatingIfNeeded: tag >> 3 & 0x1FFF_FFFF)
            switch tag & 7 {
            case 0: return (number, .integer(try varint()))
            case 1:
                guard bytes.endIndex - position >= 8 else { throw Problem(reason: "the file ends too early") }
                position += 8
                return (number, .fixed64)
            case 2:
                let length = try varint()
                guard length <= UInt64(bytes.endIndex - position) else {
                    throw Problem(reason: "the file ends too early")
                }
                let start = position
                position += Int(length)
                return (number, .bytes(bytes[start..<position]))
            case 5:
                guard bytes.endIndex - position >= 4 else { throw Problem(reason: "the file ends too early") }
                var bits: UInt32 = 0
                for i in 0..<4 { bits |= UInt32(bytes[position + i]) << (8 * UInt32(i)) }
                position += 4
                return (number, .fixed32(bits))
            default: throw Problem(reason: "unknown wire type \(tag & 7)")
            }
        }
    }
}
