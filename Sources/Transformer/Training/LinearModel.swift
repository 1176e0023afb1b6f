public import Tensors

/// Logits that are a linear function of features: the weights at which a loss and their squares together are least.
///
/// With cross-entropy this is multinomial logistic regression, with its binary form one regression for each label, with
/// squared errors ridge regression. The biases are free.
public struct LinearModel: Equatable, Sendable {
    /// `[outputs, features]`
    public var weight: Tensor
    /// `[outputs]`
    public var bias: Tensor

    public init(weight: Tensor, bias: Tensor) {
        self.weight = weight
        self.bias = bias
    }

    /// - Parameter features: `[examples, features]`
    /// - Returns: `[examples, outputs]`
    public func logits(_ features: Tensor) -> Tensor { matmul(features, weight.transposed, bias: bias) }

    /// Finds the least of `loss + ½·decay·‖weight‖²`, which for the losses named above is one place.
    ///
    /// scikit-learn's `C` is `1 / (decay · examples)`.
    ///
    /// - Parameters:
    ///   - start: where the search begins, such as the model of a decay nearby.
    ///   - loss: of all logits, a mean over the examples, and its gradient.
    public static func fit(
        _ features: Tensor, outputs: Int, decay: Double, from start: LinearModel? = nil, search: LBFGS = LBFGS(),
        loss: (_ logits: Tensor) -> (loss: Double, gradient: Tensor)
    ) -> (model: LinearModel, result: LBFGS.Result) {
        let columns = features.columns
        let weights = outputs * columns
        func model(_ place: [Double]) -> LinearModel {
            LinearModel(
                weight: Tensor([outputs, columns], place[..<weights].map { Float($0) }),
                bias: Tensor([outputs], place[weights...].map { Float($0) }))
        }
        let operand = ProductOperand(features, .f32)
        let first = start.map { ($0.weight.values + $0.bias.values).map(Double.init) }
        let result = search.minimize(from: first ?? [Double](repeating: 0, count: weights + outputs)) { place in
            var (value, slopes) = loss(model(place).logits(features))
            let products = matmul(transposed: ProductOperand(slopes, .f32), operand)
            var sums = Tensor.zeros([outputs])
            sums.addSumOfRows(slopes)
            var gradient = products.values.map(Double.init) + sums.values.map(Double.init)
            for i in 0..<weights {
                value += 0.5 * decay * place[i] * place[i]
                gradient[i] += decay * place[i]
            }
            return (value, gradient)
        }
        return (model(result.minimum.place), result)
    }
}
