# One measured run of the module, in a process of its own. What is measured is the whole process, from start to end.
param([ValidateSet('path', 'pipe', 'null', 'shell')] [string] $Way, [string] $Module, [string] $Csv, [string] $ListId)
$ErrorActionPreference = 'Stop'
$map = @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }
if ($Way -in 'path', 'pipe') { Import-Module $Module }
$run = switch ($Way) {
    'path' { Invoke-CcExport -Path $Csv -Connection Simulator -ListId $ListId -Map $map -MaxProfiles 100000000 -WarningAction Ignore }
    'pipe' { Import-Csv $Csv | Invoke-CcExport -Connection Simulator -ListId $ListId -Map $map -MaxProfiles 100000000 -WarningAction Ignore }
    'null' { Import-Csv $Csv | Out-Null }
}
$me = [Diagnostics.Process]::GetCurrentProcess()
"{`"cpu`":$($me.TotalProcessorTime.TotalSeconds),`"wall`":$(([datetime]::Now - $me.StartTime).TotalSeconds),`"peakMB`":$($me.PeakWorkingSet64 / 1e6),`"sent`":$([long]$run.Sent),`"accepted`":$([long]$run.Accepted),`"status`":`"$($run.Status)`",`"batches`":$([int]$run.Batches)}"
