/// Appends the fields of a protocol buffer message.
///
/// Source: "Protocol Buffers: Encoding", wire types 0 (variable length), 1 (64 bits), 2 (lengths) and 5 (32 bits).
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func double(_ field: Int, _ value: Double) {
        tag(field, 1)
        appendLittleEndian(value.bitPattern, to: &bytes)
    }

    mutating func float(_ field: Int, _ value: Float) {
        tag(field, 5)
        appendLittleEndian(value.bitPattern, to: &bytes)
    }

    mutating func integer(_ field: Int, _ value: Int) {
        tag(field, 0)
        variableLength(UInt64(bitPattern: Int64(value)))
    }

    mutating func string(_ field: Int, _ value: String) { block(field, Array(value.utf8)) }

    mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var writer = ProtobufWriter()
        body(&writer)
        block(field, writer.bytes)
    }

    private mutating func block(_ field: Int, _ content: [UInt8]) {
        tag(field, 2)
        variableLength(UInt64(content.count))
        bytes += content
    }

    private mutating func tag(_ field: Int, _ wireType: UInt64) { variableLength(UInt64(field) << 3 | wireType) }

    private mutating func variableLength(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

func appendLittleEndian(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    for place in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> place)) }
}
