# Calls of one command in a process of its own, after the import: wall time of each, processor time of the first and, on average, of the others.
param([ValidateSet('Exports', 'Runs')] [string] $What, [string] $Module, [int] $Calls)
$ErrorActionPreference = 'Stop'
Import-Module $Module
$ask = if ($What -eq 'Exports') { { Get-CcExport } } else { { Get-CcRun -Last 20 } }
$me = [Diagnostics.Process]::GetCurrentProcess()
function Get-Cpu { $me.Refresh(); $me.TotalProcessorTime.TotalMilliseconds }
$null = Get-Cpu
$clock = [Diagnostics.Stopwatch]::StartNew()
$before = Get-Cpu
$found = @(& $ask)
$firstWall = $clock.Elapsed.TotalMilliseconds
$firstCpu = (Get-Cpu) - $before
$before = Get-Cpu
$wall = foreach ($call in 1..$Calls) {
    $clock.Restart()
    $null = & $ask
    $clock.Elapsed.TotalMilliseconds
}
$cpu = ((Get-Cpu) - $before) / $Calls
[ordered]@{ count = $found.Count; firstWall = $firstWall; firstCpu = $firstCpu; wall = @($wall); cpu = $cpu } | ConvertTo-Json -Compress
