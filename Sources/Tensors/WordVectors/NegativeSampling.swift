import Glibc

/// Learns vectors of words from their contexts, a block of words at a time: the same bits whatever the number of threads.
///
/// Each block is two steps. First all gradients are computed from the vectors as they are, each word's on one thread. Then
/// they are added, each row's by one thread and in the order of the text. What rows a thread takes does not change what is
/// added to a row, nor in which order.
///
/// Sources: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", §2.2;
/// Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", §3.
package final class NegativeSampling {
    package enum Model: Sendable { case skipGram, cbow }

    /// A word's gradient with regard to the output row of another.
    private struct Update {
        var target: Int32
        var center: Int32
        var factor: Float
    }

    package let input: RowTable
    package let output: RowTable
    private let model: Model
    private let negatives: Int
    /// How far a window reaches at most.
    private let reach: Int
    private let sampler: AliasTable
    /// The input rows of word `w` are `rows[firstRow[w]..<firstRow[w + 1]]`.
    private let firstRow: [Int32]
    private let rows: [Int32]

    private static let wordsPerChunk = 16
    /// For each word of a block: the sum or mean of its rows, and the gradient of that.
    private var hidden = RowTable(rows: 0, columns: 1)
    private var gradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: the gradient of each word's own rows.
    private var wordGradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: the mean of the rows of each word's context.
    private var contextMeans = RowTable(rows: 0, columns: 1)
    private var updates: [[Update]] = []

    /// - Parameters:
    ///   - rows: the input rows of each word: its own and its n-grams'.
    ///   - weights: how often each word is drawn as a negative, relative to the others.
    package init(
        _ model: Model, input: RowTable, output: RowTable, rows: [[Int32]], weights: [Double], negatives: Int,
        window: Int
    ) {
        precondition(input.columns == output.columns && rows.count == output.rows && weights.count == rows.count)
        precondition(rows.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 >= 0 && $0 < Int32(input.rows) } })
        self.model = model
        self.input = input
        self.output = output
        self.negatives = negatives
        reach = window
        sampler = AliasTable(weights)
        self.rows = rows.flatMap { $0 }
        var first: [Int32] = [0]
        for rows in rows { first.append(first.last! + Int32(rows.count)) }
        firstRow = first
    }

    /// Learns from a block.
    ///
    /// - Returns: the sum of the losses of some of its words, and of how many.
    package func step(_ block: ContextBlock, learningRate: Float, seed: UInt64) -> (loss: Double, words: Int) {
        let count = block.words.count
        if count < 2 { return (0, 0) }
        precondition(block.words.allSatisfy { $0 >= 0 && $0 < Int32(output.rows) }, "words of another vocabulary")
        makeRoom(count)
        let chunks = (count + Self.wordsPerChunk - 1) / Self.wordsPerChunk
        func words(_ chunk: Int) -> Range<Int> {
            chunk * Self.wordsPerChunk..<min(count, (chunk + 1) * Self.wordsPerChunk)
        }
        let pool = ThreadPool.shared
        var losses = [(Double, Int)](repeating: (0, 0), count: chunks)
        unsafe losses.withUnsafeMutableBufferPointer { losses in
            unsafe updates.withUnsafeMutableBufferPointer { updates in
                if model == .cbow {
                    pool.run(chunks) { for word in words($0) { sumRows(block.words[word], into: word, isMean: false) } }
                }
                pool.run(chunks) { chunk in
                    var random = SplitMix(seed &+ UInt64(chunk) &* 0xD134_2543_DE82_EF95)
                    unsafe updates[chunk].removeAll(keepingCapacity: true)
                    for word in words(chunk) {
                        let loss = unsafe learn(
                            word, block, learningRate, &random, &updates[chunk],
                            wantsLoss: word == words(chunk).lowerBound)
                        if let loss { unsafe losses[chunk] = loss }
                    }
                }
                if model == .cbow { pool.run(chunks) { for word in words($0) { gatherGradients(word, block) } } }
                let parts = pool.threads
                pool.run(parts) { part in
                    for chunk in 0..<chunks { unsafe apply(updates[chunk], part: part, of: parts) }
                    for word in 0..<count { applyToRows(block.words[word], word, part: part, of: parts) }
                }
            }
        }
        return losses.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    }

    private func makeRoom(_ words: Int) {
        if hidden.rows < words {
            hidden = RowTable(rows: 2 * words, columns: input.columns)
            gradients = RowTable(rows: 2 * words, columns: input.columns)
            if model == .cbow {
                wordGradients = RowTable(rows: 2 * words, columns: input.columns)
                contextMeans = RowTable(rows: 2 * words, columns: input.columns)
            }
        }
        let chunks = (words + Self.wordsPerChunk - 1) / Self.wordsPerChunk
        while updates.count < chunks { updates.append([]) }
    }

    /// The sum of a word's rows, or their mean.
    private func sumRows(_ word: Int32, into place: Int, isMean: Bool) {
        let range = Int(firstRow[Int(word)])..<Int(firstRow[Int(word) + 1])
        let stride = input.stride
        let sum = unsafe hidden.values + place * stride
        unsafe rows.withUnsafeBufferPointer { rows in
            let factor = isMean ? 1 / Float(range.count) : 1
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                var total = SIMD16<Float>.zero
                for i in range { unsafe total += lanes(input.values + Int(rows[i]) * stride + lane) }
                unsafe store(total * factor, sum + lane)
            }
        }
    }

    /// Computes a word's gradients, and notes what its targets' rows get.
    private func learn(
        _ word: Int, _ block: ContextBlock, _ rate: Float, _ random: inout SplitMix, _ updates: inout [Update],
        wantsLoss: Bool
    ) -> (Double, Int)? {
        let stride = input.stride
        let gradient = unsafe gradients.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) { unsafe store(.zero, gradient + lane) }
        let window = Int(block.windows[word].lowerBound)..<Int(block.windows[word].upperBound)
        if window.count < 2 { return nil }
        let first = updates.count
        func draw(_ target: Int32) {
            updates.append(Update(target: target, center: Int32(word), factor: 1))
            for _ in 0..<negatives {
                var negative = sampler.draw(&random)
                // A text of one word has no other.
                var tries = 0
                while negative == target, tries < 100 { (negative, tries) = (sampler.draw(&random), tries + 1) }
                updates.append(Update(target: negative, center: Int32(word), factor: 0))
            }
        }
        switch model {
        case .skipGram:
            sumRows(block.words[word], into: word, isMean: true)
            for context in window where context != word { draw(block.words[context]) }
        case .cbow:
            meanOfContext(word, window, block)
            draw(block.words[word])
        }
        return unsafe updates.withUnsafeMutableBufferPointer { updates in
            let targets = unsafe UnsafeMutableBufferPointer(rebasing: updates[first...])
            unsafe scoreTargets(
                targets, (model == .cbow ? contextMeans : hidden).values + word * stride, gradient, rate)
            if !wantsLoss { return nil }
            // The factor is the rate times what the probability lacks.
            let loss = unsafe targets.reduce(0.0) { $0 - Double(max(-20, logf(1 - abs($1.factor) / rate))) }
            return (loss, targets.count / (negatives + 1))
        }
    }

    /// CBOW's hidden vector.
    private func meanOfContext(_ word: Int, _ window: Range<Int>, _ block: ContextBlock) {
        let stride = input.stride
        var count: Int32 = 0
        for context in window where context != word {
            let id = Int(block.words[context])
            count += firstRow[id + 1] - firstRow[id]
        }
        let factor = 1 / Float(count)
        let sums = unsafe hidden.values
        let mean = unsafe contextMeans.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            var total = SIMD16<Float>.zero
            for context in window where context != word {
                unsafe total += lanes(sums + context * stride + lane)
            }
            unsafe store(total * factor, mean + lane)
        }
    }

    /// Turns labels into factors of updates, and adds the targets' rows to the gradient.
    @unsafe
    private func scoreTargets(
        _ targets: UnsafeMutableBufferPointer<Update>, _ hidden: UnsafeMutablePointer<Float>,
        _ gradient: UnsafeMutablePointer<Float>, _ rate: Float
    ) {
        let stride = output.stride
        let output = unsafe output.values
        var i = 0
        while i < targets.count {
            let group = min(4, targets.count - i)
            // Four at a time, so that their sums do not wait for one another; the last ones may repeat.
            let a = unsafe output + Int(targets[i].target) * stride
            let b = unsafe output + Int(targets[i + min(1, group - 1)].target) * stride
            let c = unsafe output + Int(targets[i + min(2, group - 1)].target) * stride
            let d = unsafe output + Int(targets[i + group - 1].target) * stride
            var sums = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                let h = unsafe lanes(hidden + lane)
                unsafe sums.0 = multiplyAdd(lanes(a + lane), h, sums.0)
                unsafe sums.1 = multiplyAdd(lanes(b + lane), h, sums.1)
                unsafe sums.2 = multiplyAdd(lanes(c + lane), h, sums.2)
                unsafe sums.3 = multiplyAdd(lanes(d + lane), h, sums.3)
            }
            var scores = SIMD4<Float>(total(sums.0), total(sums.1), total(sums.2), total(sums.3))
            for k in 0..<4 { scores[k] = 1 / (1 + exponential(-scores[k])) }
            var factors = SIMD4<Float>.zero
            for k in 0..<group {
                unsafe factors[k] = rate * (targets[i + k].factor - scores[k])
                unsafe targets[i + k].factor = factors[k]
            }
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                var sum = unsafe lanes(gradient + lane)
                unsafe sum = multiplyAdd(lanes(a + lane), SIMD16(repeating: factors[0]), sum)
                unsafe sum = multiplyAdd(lanes(b + lane), SIMD16(repeating: factors[1]), sum)
                unsafe sum = multiplyAdd(lanes(c + lane), SIMD16(repeating: factors[2]), sum)
                unsafe sum = multiplyAdd(lanes(d + lane), SIMD16(repeating: factors[3]), sum)
                unsafe store(sum, gradient + lane)
            }
            i += group
        }
    }

    /// CBOW: a word's rows get the gradients of all words in whose context it stands.
    private func gatherGradients(_ word: Int, _ block: ContextBlock) {
        let stride = input.stride
        let centers = max(0, word - reach)..<min(block.words.count, word + reach + 1)
        let all = unsafe gradients.values
        let own = unsafe wordGradients.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            var sum = SIMD16<Float>.zero
            for center in centers where center != word && block.windows[center].contains(Int32(word)) {
                unsafe sum += lanes(all + center * stride + lane)
            }
            unsafe store(sum, own + lane)
        }
    }

    private func apply(_ updates: [Update], part: Int, of parts: Int) {
        let stride = output.stride
        let centers = unsafe (model == .cbow ? contextMeans : hidden).values
        for update in updates where Self.part(update.target, of: parts) == part {
            let row = unsafe output.values + Int(update.target) * stride
            let center = unsafe centers + Int(update.center) * stride
            let factor = SIMD16(repeating: update.factor)
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(multiplyAdd(lanes(center + lane), factor, lanes(row + lane)), row + lane)
            }
        }
    }

    private func applyToRows(_ id: Int32, _ word: Int, part: Int, of parts: Int) {
        let stride = input.stride
        let gradient = unsafe (model == .cbow ? wordGradients : gradients).values + word * stride
        for i in Int(firstRow[Int(id)])..<Int(firstRow[Int(id) + 1]) where Self.part(rows[i], of: parts) == part {
            let row = unsafe input.values + Int(rows[i]) * stride
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(lanes(row + lane) + lanes(gradient + lane), row + lane)
            }
        }
    }

    /// Which thread changes a row.
    @inline(__always)
    private static func part(_ row: Int32, of parts: Int) -> Int {
        Int(truncatingIfNeeded: UInt64(UInt32(bitPattern: row) &* 0x9E37_79B1) &* UInt64(parts) >> 32)
    }
}
