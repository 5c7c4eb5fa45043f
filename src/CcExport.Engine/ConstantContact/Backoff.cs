namespace CcExport.Engine.ConstantContact;

/// <summary>How long to wait before the next try. Knows neither clock nor network.</summary>
internal static class Backoff
{
    /// <summary>
    /// Doubles with each try, never less than the first second that a throttled key needs, and adds up to a half by chance so
    /// that several processes do not come back together. A Retry-After counts when it is longer.
    /// </summary>
    /// <param name="attempt">0 after the first try.</param>
    public static TimeSpan Delay(int attempt, TimeSpan? retryAfter, double random, WireOptions options)
    {
        double full = Math.Min(options.Backoff.TotalSeconds * Math.Pow(2, Math.Min(attempt, 30)), options.MaxBackoff.TotalSeconds);
        var own = TimeSpan.FromSeconds(full * (1 + (0.5 * random)));
        if (retryAfter is not { } asked || asked <= own) return own;
        return asked < options.MaxRetryAfter ? asked : options.MaxRetryAfter;
    }
}
