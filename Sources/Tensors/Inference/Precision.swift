/// The numbers that an encoder's matrix products multiply. Sums, normalization and softmax are f32 always.
public enum Precision: String, Sendable, CaseIterable {
    case f32
    /// Eight bits of mantissa, products summed in f32.
    case bf16
    /// Weights with a scale for each output, activations with a scale and a zero for each token, summed in integers.
    case int8

    /// Why products in this precision cannot be computed here; `nil` where they can.
    ///
    /// - Precondition: an engine can be loaded.
    public var reasonUnavailable: String? {
        if self == .f32 { return nil }
        guard MatrixEngine.current == .oneDNN else { return "\(rawValue) needs the oneDNN engine; OpenBLAS runs" }
        let found = OneDNN.instructionSet
        let sufficient =
            self == .bf16
            ? ["avx512_core_bf16", "avx512_core_amx"]
            : ["avx2_vnni", "avx512_core_vnni", "avx512_core_bf16", "avx512_core_amx"]
        return sufficient.contains(found)
            ? nil : "\(rawValue) needs one of \(sufficient.joined(separator: ", ")); this processor offers \(found)"
    }

    /// Those that can be computed here.
    public static var available: [Precision] { allCases.filter { $0.reasonUnavailable == nil } }

    /// Bytes of one weight.
    public var bytes: Int {
        switch self {
        case .f32: 4
        case .bf16: 2
        case .int8: 1
        }
    }
}
