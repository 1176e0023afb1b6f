import JSON
public import SystemPackage
public import Tensors

extension SafeTensors {
    /// What the header says of a tensor to be written.
    package struct Item {
        let name: String
        let dataType: DataType
        package let shape: Shape

        package init(name: String, dataType: DataType, shape: Shape) {
            self.name = name
            self.dataType = dataType
            self.shape = shape
        }

        var byteCount: Int { shape.count * dataType.byteCount }
    }

    /// Writes tensors in f32, atomically: the file appears whole or not at all.
    public static func write(_ tensors: [(name: String, value: Tensor)], to path: FilePath) throws(CheckpointError) {
        let items = tensors.map { Item(name: $0.name, dataType: .float32, shape: $0.value.shape) }
        try write(items, to: path) { index, file throws(CheckpointError) in try file.write(tensors[index].value.values)
        }
    }

    /// Writes tensors one by one, atomically.
    ///
    /// The header is padded so that the data begins on a multiple of eight bytes, and names the `pt` format, which
    /// transformers asks for.
    ///
    /// - Parameter body: writes the data of an item, as many bytes as it has.
    package static func write(
        _ items: [Item], to path: FilePath, _ body: (Int, AtomicFile) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var header: JSONObject = ["__metadata__": .object(["format": .string("pt")])]
        var offset = 0
        for item in items {
            let end = offset + item.byteCount
            header.append(
                item.name,
                .object([
                    "dtype": .string(item.dataType.rawValue),
                    "shape": .array(item.shape.dimensions.map { .integer($0) }),
                    "data_offsets": .array([.integer(offset), .integer(end)]),
                ]))
            offset = end
        }
        var text = JSON.object(header).serialized()
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }

        let file = try AtomicFile(path)
        let length = UInt64(text.count).littleEndian
        try unsafe file.write(withUnsafeBytes(of: length) { unsafe Array($0) } + text)
        for index in items.indices { try body(index, file) }
        try file.commit()
    }
}
