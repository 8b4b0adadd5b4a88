# Makes codalab_nb/analysis/deseq_simulated.txt.gz: the draws that DESeq2's estimateDispersionsPriorVar makes when there
# are three residual degrees of freedom or fewer. Which calls of rchisq, rnorm, set.seed and loess it makes was watched
# from outside with trace(); its source was not used.
grid <- seq(0, 8, length.out = 200)
edges <- seq(-10, 10, 0.5)
counts <- NULL
for (df in 1:3) {
  set.seed(2)
  for (variance in grid) {
    x <- log(rchisq(1e4, df)) + rnorm(1e4, 0, sqrt(variance)) - log(df)
    counts <- rbind(counts, hist(x[x > -10 & x < 10], breaks = edges, plot = FALSE)$counts)
  }
}
write.table(counts, "deseq_simulated.txt", row.names = FALSE, col.names = FALSE)
