suppressMessages(library(DESeq2))
# Makes every file of this folder but simulate.R and SOURCE.md. Run in this folder: Rscript make.R
set.seed(42); n <- 1200; m <- 16
mu <- exp(runif(n, log(1), log(3000))); disp <- (0.05 + 2/mu) * exp(rnorm(n,0,.5))
grp <- rep(c(0,1), each=8); lfc <- ifelse(runif(n)<.25, rnorm(n,0,1.2), 0)
sfv <- exp(rnorm(m,0,.3))
k <- t(sapply(1:n, function(i) rnbinom(m, mu=mu[i]*sfv*2^(lfc[i]*grp), size=1/disp[i])))
o <- sample(n, 60); for (i in o) { j <- sample(m,1); k[i,j] <- k[i,j]*round(runif(1,20,200)) + 500L }
k[1:5,] <- 0L; k[6,] <- 0L; k[6,3] <- 400L
rownames(k) <- sprintf("gene%04d",1:n); colnames(k) <- sprintf("s%02d",1:m)
s <- data.frame(sample=colnames(k), condition=rep(c("control","treated"),each=8), batch=rep(c("b1","b2"),8))
write.csv(data.frame(gene=rownames(k),k),"counts.csv",row.names=FALSE,quote=FALSE); write.csv(s,"samples.csv",row.names=FALSE,quote=FALSE)
out <- data.frame(gene=rownames(k)); fits <- NULL
run <- function(tag, cols, design) {
  d <- s[cols,]; d$condition <- factor(d$condition); d$batch <- factor(d$batch)
  dds <- DESeq(DESeqDataSetFromMatrix(k[,cols], d, design), quiet=TRUE); r <- results(dds, contrast=c("condition","treated","control"), alpha=.05)
  out[[paste0(tag,"_mean")]] <<- signif(r$baseMean,7); out[[paste0(tag,"_lfc")]] <<- signif(r$log2FoldChange,7)
  out[[paste0(tag,"_stat")]] <<- signif(r$stat,7); out[[paste0(tag,"_p")]] <<- signif(r$pvalue,7); out[[paste0(tag,"_padj")]] <<- signif(r$padj,7)
  f <- dispersionFunction(dds); co <- attr(f,"coefficients"); rep <- mcols(dds)$replace
  fits <<- rbind(fits, data.frame(tag=tag, samples=paste(colnames(k)[cols],collapse=" "), a0=co[1], a1=co[2], prior=attr(f,"dispPriorVar"), found=sum(r$padj<.05,na.rm=TRUE), p_unknown=sum(is.na(r$pvalue)), replaced=if (is.null(rep)) 0 else sum(rep,na.rm=TRUE)))
}
run("eight", 1:16, ~condition)
run("batch", 1:16, ~batch+condition)
run("four", c(1:4,9:12), ~condition)
run("two", c(1:2,9:10), ~condition)
run("uneven", c(1:8,9:11), ~condition)
run("pairs", c(1:2,9:10), ~batch+condition)
write.csv(out,"expected_DESeq2_R.csv",row.names=FALSE,quote=FALSE); write.csv(fits,"expected_fits_R.csv",row.names=FALSE,quote=FALSE); print(fits)
# prior variance of few degrees of freedom
res <- NULL; pv <- NULL
designs <- list(list(data.frame(t=factor(c(1,2,2))), ~t), list(data.frame(g=factor(c(1,1,2,2,3,3)), t=factor(rep(1:2,3))), ~g+t), list(data.frame(g=factor(rep(1:4,each=2)), t=factor(rep(1:2,4))), ~g+t))
for (df in 1:3) for (v in c(.1,.6,1.7)) { d <- designs[[df]]; mm <- nrow(d[[1]]); nn <- 800
  dds <- DESeqDataSetFromMatrix(matrix(rnbinom(nn*mm,mu=100,size=10),nn), d[[1]], d[[2]]); sizeFactors(dds) <- rep(1,mm)
  r <- round(log(rchisq(nn,df))-log(df)+rnorm(nn,0,sqrt(v))+.1, 4)
  mcols(dds)$baseMean <- 100; mcols(dds)$allZero <- FALSE; mcols(dds)$dispFit <- .1; mcols(dds)$dispGeneEst <- .1*exp(r)
  dispersionFunction(dds, estimateVar=FALSE) <- function(x) rep(.1,length(x))
  res <- cbind(res, r); pv <- rbind(pv, data.frame(df=df, true=v, prior=estimateDispersionsPriorVar(dds))) }
write.csv(pv,"expected_prior_R.csv",row.names=FALSE,quote=FALSE); write.table(res,"residuals.csv",sep=",",row.names=FALSE,col.names=FALSE); print(pv)
