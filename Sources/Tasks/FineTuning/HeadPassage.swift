import Tensors
import Transformer

/// How a linear model of a head's input becomes the head: past the dense layer where its function can be made a straight
/// line, else on top of the dense layer as it is.
struct HeadPassage {
    private let head: ClassificationHead
    /// What the dense layer is to make of a standardized feature, and what that becomes behind its function.
    private let line: (scale: Float, shift: Float)?

    init(_ head: ClassificationHead) {
        self.head = head
        guard head.norm == nil, let dense = head.dense, dense.bias != nil else {
            line = nil
            return
        }
        // The hyperbolic tangent is straight about zero, to one part in 100,000 for values up to 6; the others far above.
        line = head.architecture.activation == .tanh ? (0x1p-10, 0) : (1, 32)
    }

    /// What the linear model sees: the features themselves, or what the dense layer makes of them.
    func inputs(_ features: Tensor) -> Tensor {
        if line != nil { return features }
        var hidden = features
        if let dense = head.dense { hidden = dense.forward(hidden).output.activated(head.architecture.activation) }
        return head.norm?.forward(hidden).output ?? hidden
    }

    /// - Parameter model: of standardized inputs.
    func set(_ model: LinearModel, _ scales: FeatureScales) {
        let columns = model.weight.columns
        var (weight, bias) = (model.weight, model.bias.values.map(Double.init))
        if let line, let dense = head.dense {
            dense.weight.update { matrix in
                matrix = .zeros(matrix.shape)
                matrix.mutate { values in
                    for i in 0..<columns { values[i * columns + i] = line.scale / scales.deviations[i] }
                }
            }
            dense.bias?.update { shifts in
                shifts.mutate { values in
                    for i in values.indices {
                        values[i] = line.shift - line.scale * scales.means[i] / scales.deviations[i]
                    }
                }
            }
            weight.mutate { values in
                for i in values.indices {
                    values[i] /= line.scale
                    bias[i / columns] -= Double(values[i]) * Double(line.shift)
                }
            }
        } else {
            weight.mutate { values in
                for i in values.indices {
                    values[i] /= scales.deviations[i % columns]
                    bias[i / columns] -= Double(values[i]) * Double(scales.means[i % columns])
                }
            }
        }
        head.output.weight.update { $0 = weight }
        head.output.bias?.update { $0 = Tensor($0.shape, bias.map { Float($0) }) }
    }
}
