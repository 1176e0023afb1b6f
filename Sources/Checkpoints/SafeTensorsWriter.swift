import JSON
public import SystemPackage
public import Tensors

extension SafeTensors {
    /// Writes tensors in f32, atomically: the file appears whole or not at all.
    ///
    /// The header is padded so that the data begins on a multiple of eight bytes, and names the `pt` format, which
    /// transformers asks for.
    public static func write(_ tensors: [(name: String, value: Tensor)], to path: FilePath) throws(CheckpointError) {
        var header: JSONObject = ["__metadata__": .object(["format": .string("pt")])]
        var offset = 0
        for (name, value) in tensors {
            let end = offset + 4 * value.count
            header.append(
                name,
                .object([
                    "dtype": .string(DataType.float32.rawValue),
                    "shape": .array(value.shape.dimensions.map { .integer($0) }),
                    "data_offsets": .array([.integer(offset), .integer(end)]),
                ]))
            offset = end
        }
        var text = JSON.object(header).serialized()
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }

        let file = try AtomicFile(path)
        let length = UInt64(text.count).littleEndian
        try unsafe file.write(withUnsafeBytes(of: length) { unsafe Array($0) } + text)
        for (_, value) in tensors {
            try file.write(value.values)
        }
        try file.commit()
    }
}
