# One measured run of an export, in a process of its own.
param([string] $Module, [string] $Name, [string] $ListId, [string] $Csv)
$ErrorActionPreference = 'Stop'
Import-Module $Module
$null = Set-CcExport -Name $Name -Connection $Name -ListId $ListId -Path $Csv -Mode $Name -Map @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }
$me = [Diagnostics.Process]::GetCurrentProcess()
$before = $me.TotalProcessorTime
$run = Invoke-CcExport -Name $Name -Verbose 4>&1 | ForEach-Object { if ($_ -is [Management.Automation.VerboseRecord]) { [Console]::Error.WriteLine($_.Message) } else { $_ } }
$me.Refresh()
[pscustomobject]@{
    Mode = $Name; Status = "$($run.Status)"; Read = $run.Read; Suppressed = $run.Suppressed; Unchanged = $run.Unchanged; Sent = $run.Sent
    Accepted = $run.Accepted; Removed = $run.Removed; Batches = $run.Batches; Requests = $run.Requests
    Cpu = [math]::Round(($me.TotalProcessorTime - $before).TotalSeconds, 2); PeakMB = [math]::Round($me.PeakWorkingSet64 / 1e6)
    Seconds = [math]::Round($run.Duration.TotalSeconds, 1)
} | ConvertTo-Json -Compress
