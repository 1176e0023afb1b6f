public import JSON

/// The data type that a `config.json` says its weights have, by which transformers loads them.
extension JSONObject {
    /// `dtype` since transformers 4.56, `torch_dtype` before; some files have both.
    private static let weightTypeKeys = ["dtype", "torch_dtype"]

    private static let torchNames: [DataType: String] = [
        .float32: "float32", .float16: "float16", .bfloat16: "bfloat16",
    ]

    /// Whether a data type of weights is named.
    var namesWeightType: Bool { Self.weightTypeKeys.contains { self[$0] != nil } }

    /// Says wherever a data type is named that the weights written beside it have another one.
    public mutating func changeWeightType(to type: DataType) {
        guard let name = Self.torchNames[type] else { return }
        for key in Self.weightTypeKeys where self[key] != nil { self[key] = .string(name) }
    }

    /// The same; where none is named, it is from now on.
    mutating func setWeightType(_ type: DataType) {
        guard let name = Self.torchNames[type] else { return }
        if !namesWeightType { self["torch_dtype"] = .string(name) }
        changeWeightType(to: type)
    }
}
