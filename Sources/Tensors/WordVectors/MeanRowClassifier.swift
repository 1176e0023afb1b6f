import Glibc

/// A linear classifier of texts that are known by rows: `logits = W · mean(rows)`, and both learn.
///
/// Stochastic gradient descent, one text after the other and on one thread: a text is so little work that threads would
/// wait for one another most of the time, and the result does not depend on how many there are.
///
/// Source: Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification", §2; fastText 0.9.2, `Model::update`.
package final class MeanRowClassifier {
    package enum Loss: Sendable {
        /// A text has one label.
        case softmax
        /// Each label is a question of its own.
        case oneVersusAll
    }

    package let input: RowTable
    /// `[labels, columns]`, zeros at first.
    package let output: RowTable
    private let loss: Loss
    /// The mean of a text's rows, and the gradient by it.
    private let vectors: RowTable

    package init(_ loss: Loss, input: RowTable, labels: Int) {
        self.loss = loss
        self.input = input
        output = RowTable(rows: labels, columns: input.columns)
        vectors = RowTable(rows: 2, columns: input.columns)
    }

    /// Learns from examples, in this order.
    ///
    /// - Parameters:
    ///   - texts: the rows of each example; one without any teaches nothing.
    ///   - labels: those that each example has.
    ///   - rate: of the first example; `decay` is what it falls by with each.
    /// - Returns: the sum of the losses, of which one for several labels is their mean.
    package func learn(
        _ examples: some Sequence<Int>, texts: IndexLists, labels: IndexLists, rate: Float, decay: Float
    ) -> Double {
        precondition(texts.count == labels.count && texts.largest < Int32(input.rows), "rows of other texts")
        precondition(labels.largest < Int32(output.rows), "label \(labels.largest) of \(output.rows)")
        var rate = rate
        var sum = 0.0
        var scores = [Float](repeating: 0, count: output.rows)
        unsafe texts.values.withUnsafeBufferPointer { rows in
            unsafe labels.values.withUnsafeBufferPointer { answers in
                for example in examples {
                    let range = texts.range(example)
                    if !range.isEmpty {
                        let rows = unsafe UnsafeBufferPointer(rebasing: rows[range])
                        let answers = unsafe UnsafeBufferPointer(rebasing: answers[labels.range(example)])
                        unsafe sum += step(rows, answers, &scores, rate)
                    }
                    rate -= decay
                }
            }
        }
        return sum
    }

    /// The logits of texts, `[texts, labels]`.
    package func logits(_ texts: IndexLists) -> Tensor {
        precondition(texts.largest < Int32(input.rows), "rows of other texts")
        let rows = parallelMap(texts.count) { text in
            let mean = RowTable(rows: 1, columns: input.columns)
            unsafe texts.values.withUnsafeBufferPointer { rows in
                unsafe self.mean(UnsafeBufferPointer(rebasing: rows[texts.range(text)]), mean.values)
            }
            return (0..<output.rows).map { unsafe output.product($0, mean.values) }
        }
        return Tensor([texts.count, output.rows], rows.flatMap { $0 })
    }

    @unsafe
    private func step(
        _ rows: UnsafeBufferPointer<Int32>, _ labels: UnsafeBufferPointer<Int32>, _ scores: inout [Float], _ rate: Float
    ) -> Double {
        let (stride, count) = (output.stride, output.rows)
        let hidden = unsafe vectors.values
        let gradient = unsafe vectors.values + stride
        unsafe mean(rows, hidden)
        for label in 0..<count { scores[label] = unsafe output.product(label, hidden) }
        let loss = unsafe answer(&scores, labels)
        for lane in Swift.stride(from: 0, to: stride, by: 16) { unsafe store(.zero, gradient + lane) }
        for label in 0..<count {
            let factor = SIMD16(repeating: rate * scores[label])
            let weights = unsafe output.values + label * stride
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                let weight = unsafe lanes(weights + lane)
                unsafe store(multiplyAdd(weight, factor, lanes(gradient + lane)), gradient + lane)
                unsafe store(multiplyAdd(lanes(hidden + lane), factor, weight), weights + lane)
            }
        }
        let share = 1 / Float(rows.count)
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            unsafe store(lanes(gradient + lane) * share, gradient + lane)
        }
        for i in rows.indices {
            let row = unsafe input.values + Int(rows[i]) * stride
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(lanes(row + lane) + lanes(gradient + lane), row + lane)
            }
        }
        return loss
    }

    /// Turns logits into what each is short of: what the example says less the probability.
    @unsafe
    private func answer(_ scores: inout [Float], _ labels: UnsafeBufferPointer<Int32>) -> Double {
        var loss = 0.0
        switch self.loss {
        case .softmax:
            let largest = scores.max() ?? 0
            var sum: Float = 0
            for i in scores.indices {
                scores[i] = exponential(scores[i] - largest)
                sum += scores[i]
            }
            for i in scores.indices { scores[i] /= -sum }
            for i in labels.indices {
                let label = unsafe Int(labels[i])
                loss -= Double(logf(max(-scores[label], .leastNormalMagnitude)))
                scores[label] += 1
            }
        case .oneVersusAll:
            for i in scores.indices {
                // log(1 + exp(x)), for a label that the example does not have.
                loss += Double(max(scores[i], 0) + log1pf(exponential(-abs(scores[i]))))
            }
            for i in labels.indices { loss -= unsafe Double(scores[Int(labels[i])]) }
            for i in scores.indices { scores[i] = -1 / (1 + exponential(-scores[i])) }
            for i in labels.indices { unsafe scores[Int(labels[i])] += 1 }
            loss /= Double(scores.count)
        }
        return loss
    }

    @unsafe
    private func mean(_ rows: UnsafeBufferPointer<Int32>, _ result: UnsafeMutablePointer<Float>) {
        let stride = input.stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) { unsafe store(.zero, result + lane) }
        for i in rows.indices {
            let row = unsafe input.values + Int(rows[i]) * stride
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(lanes(result + lane) + lanes(row + lane), result + lane)
            }
        }
        let share = 1 / Float(max(1, rows.count))
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            unsafe store(lanes(result + lane) * share, result + lane)
        }
    }
}
