import Tensors

/// A layer that no training made, on top of an encoder: it brings the mean of all hidden states to every token, normalized.
///
/// Queries of zero attend to all tokens alike, and values are the states themselves, so attention is their mean. Multiplied
/// by 1,024 it drowns the residual, and the normalization takes the factor away again. What stands behind attention adds
/// nothing. A head that reads the first token thereby reads the mean, in any program that knows the family.
extension EncoderArchitecture {
    private static let factor: Float = 1_024

    /// Whether the family's layers can compute a mean: they attend by content alone, and each has parameters of its own.
    public var canHaveMeanLayer: Bool {
        !isPreNorm && feedForward == .plain && relativePositions == .none && localAttention == nil
            && normalization.isCentered && attentionSize == hiddenSize && head.pooling == .first
            && Set(layerPaths).count == layerPaths.count && names.fusedProjections == nil
    }

    /// Adds the place of the layer, which `EncoderLayer.becomeMean` then makes one.
    public mutating func addMeanLayer() {
        precondition(canHaveMeanLayer && !hasMeanLayer, "a mean layer for \(modelType)")
        let last = layerPaths[layerPaths.count - 1]
        layerPaths.append(last.prefix { !$0.isNumber } + "\(layerPaths.count)")
        hasMeanLayer = true
    }

    fileprivate static func identity(_ size: Int, times factor: Float = 1) -> Tensor {
        var matrix = Tensor.zeros([size, size])
        matrix.mutate { values in
            for i in 0..<size { values[i * size + i] = factor }
        }
        return matrix
    }

    fileprivate static func meanOutput(_ size: Int) -> Tensor { identity(size, times: factor) }
}

extension EncoderLayer {
    /// Gives the layer the weights that make it a mean.
    func becomeMean() {
        for parameter in parameters { parameter.update { $0 = .zeros($0.shape) } }
        for norm in [attentionOutput.layerNorm, output.layerNorm].compactMap({ $0 }) {
            norm.weight.update { $0 = Tensor(repeating: 1, $0.shape) }
        }
        guard case .separate(_, _, let value) = attention.projections else {
            preconditionFailure("a mean layer with fused projections")
        }
        value.weight.update { $0 = EncoderArchitecture.identity($0.columns) }
        attentionOutput.dense.weight.update { $0 = EncoderArchitecture.meanOutput($0.columns) }
    }
}
