/// What a pickle of torch.save may hold. Containers are kept apart, in `PickledObjects`, and named by their index, so
/// that nothing here nests, however deep the pickle does.
enum PickleValue: Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// Bytes, and integers of more than 64 bits: read over.
    case opaque
    case global(TorchGlobal)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
}

/// The containers, storages and tensors of a pickle.
struct PickledObjects {
    var sequences: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [TorchStorage] = []
    var tensors: [TorchTensor] = []
}

/// The names that a pickle may ask for. Everything else is refused.
enum TorchGlobal: Equatable {
    case orderedDict
    case size
    case rebuildTensor
    case rebuildParameter
    case storage(DataType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDict
        case ("torch", "Size"): self = .size
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", let name):
            guard let type = Self.storages[name] else { return nil }
            self = .storage(type)
        default: return nil
        }
    }

    private static let storages: [String: DataType] = [
        "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16, "DoubleStorage": .float64,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8, "BoolStorage": .bool,
    ]
}

/// The memory that tensors share: its values are elsewhere in the file, under its key.
struct TorchStorage: Equatable {
    let key: String
    let dataType: DataType
    /// The number of values.
    let count: Int
}

/// A view of a storage.
struct TorchTensor: Equatable {
    let storage: TorchStorage
    /// Counted in values, as the strides are.
    let offset: Int
    let sizes: [Int]
    let strides: [Int]
}
