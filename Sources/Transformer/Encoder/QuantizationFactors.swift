import Tensors

/// Factors of a normalization's columns, by which the weights that read them are divided. They make the few columns with
/// large values smaller and the others larger, so that the steps of bytes suit all of them.
///
/// No sample of texts is needed: behind a normalization, its own weight and bias tell how large a column becomes.
///
/// Source: Xiao et al. 2023, "SmoothQuant", §4, equation 4, with the strength 0.5.
struct QuantizationFactors {
    let values: [Float]

    init(of norm: LayerNorm, for linears: [Linear]) {
        let columns = norm.weight.shape.count
        var weights = [Float](repeating: 0, count: columns)
        for linear in linears {
            let values = linear.folded.weight.tensor.values
            for start in stride(from: 0, to: values.count, by: columns) {
                for i in 0..<columns { weights[i] = max(weights[i], abs(values[start + i])) }
            }
        }
        let scale = norm.weight.value.values
        let bias = norm.bias?.value.values ?? [Float](repeating: 0, count: columns)
        values = (0..<columns).map { i in
            // Three standard deviations.
            let size = abs(bias[i]) + 3 * abs(scale[i])
            guard size > 1e-6, weights[i] > 1e-6 else { return 1 }
            return (weights[i] / size).squareRoot()
        }
    }
}
