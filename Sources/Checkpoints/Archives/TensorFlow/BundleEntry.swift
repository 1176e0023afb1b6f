/// What a TensorFlow checkpoint's index says about the whole and about each variable.
///
/// Source: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/framework/tensor_shape.proto.
struct BundleHeader {
    var shardCount = 0
    var isBigEndian = false

    init?(_ message: ByteReader) {
        let isRead = message.forEachField { number, field in
            switch (number, field) {
            case (1, .number(let value)): shardCount = Int(clamping: value)
            case (2, .number(let value)): isBigEndian = value != 0
            default: break
            }
            return true
        }
        if !isRead { return nil }
    }
}

struct BundleEntry {
    var dataType = 0
    var sizes: [Int] = []
    var shard = 0
    var offset = 0
    var size = 0
    var checksum: UInt32 = 0
    var isSliced = false

    init?(_ message: ByteReader) {
        let isRead = message.forEachField { number, field in
            switch (number, field) {
            case (1, .number(let value)): dataType = Int(clamping: value)
            case (2, .message(let shape)): return readShape(shape)
            case (3, .number(let value)): shard = Int(clamping: value)
            case (4, .number(let value)): offset = Int(clamping: value)
            case (5, .number(let value)): size = Int(clamping: value)
            case (6, .fixed32(let value)): checksum = value
            case (7, _): isSliced = true
            default: break
            }
            return true
        }
        if !isRead { return nil }
    }

    private mutating func readShape(_ shape: ByteReader) -> Bool {
        shape.forEachField { number, field in
            guard number == 2, case .message(let dimension) = field else { return true }
            var size = 0
            let isRead = dimension.forEachField { number, field in
                if number == 1, case .number(let value) = field { size = Int(clamping: value) }
                return true
            }
            sizes.append(size)
            return isRead
        }
    }
}

/// A field of a Protocol Buffers message.
enum ProtocolBufferField {
    case number(UInt64)
    case fixed64(UInt64)
    case message(ByteReader)
    case fixed32(UInt32)
}

extension ByteReader {
    /// Reads a message's fields in their order.
    ///
    /// - Returns: whether the message is whole, and `body` content with every field.
    ///
    /// Source: Protocol Buffers, "Encoding", Message Structure.
    func forEachField(_ body: (Int, ProtocolBufferField) -> Bool) -> Bool {
        var reader = self
        while reader.remaining > 0 {
            guard let tag = reader.varint() else { return false }
            let field: ProtocolBufferField?
            switch tag & 7 {
            case 0: field = reader.varint().map { .number($0) }
            case 1: field = reader.integer(UInt64.self).map { .fixed64($0) }
            case 2: field = reader.size().flatMap { reader.range($0) }.map { .message(ByteReader(file, $0)) }
            case 5: field = reader.integer(UInt32.self).map { .fixed32($0) }
            default: field = nil
            }
            guard let field, body(Int(clamping: tag >> 3), field) else { return false }
        }
        return true
    }
}
