import COneDNN

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
        let isSufficient =
            self == .bf16
            ? OneDNN.has(conednn_avx512_bf16) : OneDNN.has(conednn_avx512_vnni) || OneDNN.has(conednn_avx2_vnni)
        let needed = self == .bf16 ? "avx512_core_bf16" : "avx512_core_vnni or avx2_vnni"
        return isSufficient
            ? nil : "\(rawValue) needs \(needed); oneDNN finds \(OneDNN.instructionSet) on this processor"
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
