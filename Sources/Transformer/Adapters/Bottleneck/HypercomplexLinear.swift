public import Tensors

/// `y = x·H + b`, where `H = Σᵢ Aᵢ ⊗ Wᵢ` is made of small matrices: the rules `Aᵢ`, which layers may share, and `Wᵢ`, which
/// may be products `Lᵢ·Rᵢ` of a low rank.
///
/// Sources: Zhang et al. 2021, "Beyond Fully-Connected Layers with Quaternions", §3.1; Karimi Mahabadi et al. 2021,
/// "Compacter", §4, equations 5 and 6.
public final class HypercomplexLinear {
    let rules: Rules
    let blocks: Factors
    public let bias: Parameter?  // [outputSize]

    /// `n` matrices, each by itself or as a product of two.
    enum Factors {
        case whole(Parameter)  // [n, rows, columns]
        case product(left: Parameter, right: Parameter)  // [n, rows, rank], [n, rank, columns]

        var parameters: [Parameter] {
            switch self {
            case .whole(let all): [all]
            case .product(let left, let right): [left, right]
            }
        }
    }

    /// The matrices `Aᵢ`, `[n, n, n]` as a whole.
    typealias Rules = Factors

    public struct Saved: Sendable {
        let input: Tensor
        let sum: KroneckerSum
    }

    init(rules: Rules, blocks: Factors, bias: Parameter?) {
        (self.rules, self.blocks, self.bias) = (rules, blocks, bias)
    }

    /// - Returns: `[tokens, outputSize]`
    public func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        let sum = sum
        return (matmul(input, sum.transposed.transposed, bias: bias?.value), Saved(input: input, sum: sum))
    }

    /// Adds to the gradients of the rules, the blocks and the bias, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        bias?.accumulate { $0.addSumOfRows(gradient) }
        if (rules.parameters + blocks.parameters).contains(where: \.isTrainable) {
            let matrix = matmul(transposed: ProductOperand(gradient), ProductOperand(saved.input))
            let gradients = saved.sum.gradients(matrix)
            rules.accumulate(gradients.rules)
            blocks.accumulate(gradients.blocks)
        }
        return matmul(gradient, saved.sum.transposed)
    }

    var outputSize: Int { rules.count * blocks.columns }

    /// The matrix as a linear layer keeps it, `[outputSize, inputSize]`.
    var weight: Tensor { sum.transposed }

    private var sum: KroneckerSum { KroneckerSum(rules: rules.matrices, blocks: blocks.matrices) }
}

extension HypercomplexLinear.Factors {
    /// The number of matrices.
    var count: Int { parameters[0].shape[0] }
    /// Of each.
    var columns: Int { parameters[parameters.count - 1].shape[2] }

    var matrices: Tensor {
        switch self {
        case .whole(let all): return all.value
        case .product(let left, let right):
            let products = (0..<count).map { matmul(left.value.matrix($0), right.value.matrix($0)) }
            return Tensor([count, left.shape[1], columns], products.flatMap(\.values))
        }
    }

    /// - Parameter gradient: of `matrices`.
    func accumulate(_ gradient: Tensor) {
        switch self {
        case .whole(let all): all.accumulate { $0 += gradient }
        case .product(let left, let right):
            left.accumulate { sum in
                let parts = (0..<count).map { matmul(gradient.matrix($0), right.value.matrix($0).transposed) }
                sum += Tensor(left.shape, parts.flatMap(\.values))
            }
            right.accumulate { sum in
                let parts = (0..<count).map {
                    matmul(
                        transposed: ProductOperand(left.value.matrix($0)), ProductOperand(gradient.matrix($0)))
                }
                sum += Tensor(right.shape, parts.flatMap(\.values))
            }
        }
    }
}

extension Tensor {
    /// One of the matrices of a tensor `[count, rows, columns]`.
    fileprivate func matrix(_ index: Int) -> Tensor {
        let rows = shape[1]
        return self.rows(index * rows..<(index + 1) * rows)
    }
}
